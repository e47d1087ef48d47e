/** Every producer has a transactional id of its own, so nobody fences anybody: a zombie commits what others have done. */
import { randomUUID } from 'node:crypto';
import { TransactionalCommitter as Original } from '../../../engine/transactional_committer.ts';

export class TransactionalCommitter extends Original {
  constructor(...[names, ports, log]: ConstructorParameters<typeof Original>) {
    const createProducer = (id: string) => ports.createProducer(`${id}.${randomUUID()}`);
    super(names, { ...ports, createProducer }, log);
  }
}
