import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { MessageType } from '../../actors/actor.ts';
import { derivedType } from './derived_type.ts';

it('takes the type of a column from the schema of the field that fills it', () => {
  const known: [string, MessageType, string][] = [
    ['$offset', 'outcome', 'INT64'],
    ['$timestamp', 'source_record', 'TIMESTAMP'],
    ['prediction_id', 'source_record', 'STRING'],
    ['timestamp', 'source_record', 'TIMESTAMP'],
    ['rating', 'source_record', 'FLOAT64'],
    ['feedback_type', 'source_record', 'STRING'],
    ['input_stats', 'source_record', 'JSON'],
    ['input_stats.mean', 'source_record', 'FLOAT64'],
    ['input_shape', 'source_record', 'JSON'],
    ['window_start', 'assessment', 'TIMESTAMP'],
    ['patterns', 'assessment', 'JSON'],
    ['patterns.mean_0_std_0', 'assessment', 'INT64'],
    ['fires', 'assessment', 'BOOL'],
    ['recent.cases', 'evaluation', 'INT64'],
    ['alert_id', 'rollout', 'STRING'],
  ];
  for (const [path, message, type] of known) assert.equal(derivedType(path, message), type, path);
});

it('knows nothing of what may be anything, or is in no schema', () => {
  const unknown: [string, MessageType][] = [
    ['label', 'source_record'],
    ['input.subject', 'source_record'],
    ['attributes.lang', 'source_record'],
    ['customer', 'source_record'],
    ['prediction_id', 'outcome'],
    ['rating.value', 'source_record'],
  ];
  for (const [path, message] of unknown) assert.equal(derivedType(path, message), null, path);
});
