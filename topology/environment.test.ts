// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the topology's own syntax
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseSource } from './parse.ts';
import { Problems } from './problem.ts';

function parse(text: string, env: Record<string, string> = {}) {
  const problems = new Problems('x.yaml');
  const document = parseSource(text, env, problems);
  return { document, problems: problems.list() };
}

test('variables are filled in wherever a value can stand', () => {
  const text = 'a: ${ONE}\nb: { c: ${TWO:-two}, d: [x-${ONE}-${TWO:-}] }\n${ONE}: "${ONE}"\n';
  const { document, problems } = parse(text, { ONE: '1' });
  assert.deepEqual(problems, []);
  assert.deepEqual(document.value, { a: 1, b: { c: 'two', d: ['x-1-'] }, 1: '1' });
});

test('a filled-in value has the type that it would have in its place', () => {
  const env = { NUMBER: '4', YES: 'true', NOTHING: 'null', TEXT: '4h', HOSTILE: '{ a: b }\nc: d' };
  const { document } = parse(
    Object.keys(env)
      .map((name) => `${name}: \${${name}}`)
      .join('\n'),
    env,
  );
  assert.deepEqual(document.value, {
    NUMBER: 4,
    YES: true,
    NOTHING: null,
    TEXT: '4h',
    HOSTILE: '{ a: b }\nc: d',
  });
});

test('a doubled dollar stands for the text itself', () => {
  assert.deepEqual(parse('a: $${ONE}\nb: "$${TWO:-x}"').document.value, { a: '${ONE}', b: '${TWO:-x}' });
});

test('private-use characters, by which references are masked, are refused', () => {
  assert.deepEqual(
    parse('a: "\ue000"').problems.map(({ code }) => code),
    ['E_YAML'],
  );
});

test('a text of any content is filled in as if it had been written there, and keeps its position', () => {
  const word = fc.stringMatching(/^[a-z]{1,8}$/);
  const part = fc.oneof(
    word.map((text) => ({ written: text, meant: text })),
    fc.constant({ written: '${SET}', meant: 'from-env' }),
    word.map((text) => ({ written: `\${UNSET:-${text}}`, meant: text })),
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(part, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      (items) => {
        const written = items.map((parts) => parts.map((one) => one.written).join('-'));
        const meant = items.map((parts) => parts.map((one) => one.meant).join('-'));
        const line = `list: { of: [${written.map((text) => `k ${text}`).join(', ')}] }`;
        const { document, problems } = parse(line, { SET: 'from-env' });
        assert.deepEqual(problems, []);
        assert.deepEqual(document.value, { list: { of: meant.map((text) => `k ${text}`) } });
        let column = 'list: { of: ['.length + 1;
        for (const [index, text] of written.entries()) {
          assert.deepEqual(document.valueAt(['list', 'of', index]), { line: 1, column });
          column += `k ${text}, `.length;
        }
      },
    ),
  );
});
