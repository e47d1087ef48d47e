#!/usr/bin/env node
/** The `errata` command. Exit status: 0 fine, 1 problems or failure, 2 wrong usage. */
import { Command, CommanderError } from 'commander';
import { ErrataError } from '../messages/errata_error.ts';
import { addDemo } from './commands/demo.ts';
import { addGraph } from './commands/graph.ts';
import { addLint } from './commands/lint.ts';
import { addPlan } from './commands/plan.ts';
import { addProvision } from './commands/provision.ts';
import { addProxy } from './commands/proxy.ts';
import { addRun } from './commands/run.ts';

/** In the order in which help lists them. */
const COMMANDS = [addRun, addLint, addPlan, addGraph, addProvision, addProxy, addDemo];

const program = new Command('errata')
  .description(
    'a Kafka-compatible stream processor with which models in production learn from their mistakes',
  )
  .showSuggestionAfterError()
  .exitOverride();
for (const add of COMMANDS) add(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitStatus(error);
}

function exitStatus(error: unknown): number {
  // commander has printed its own message; 0 is what it gives --help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  console.error(error instanceof ErrataError ? error.toString() : error);
  return 1;
}
