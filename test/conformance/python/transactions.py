"""librdkafka in transactions: consume, produce and commit offsets together (KIP-447), abort, be fenced. As java/Transactions.java."""

import sys

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

address, prefix = sys.argv[1:]
WAIT_S = 20


def producer(**more):
    return Producer({"bootstrap.servers": address, **more})


def consumer(isolation):
    return Consumer(
        {
            "bootstrap.servers": address,
            "group.id": prefix + "group",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
        }
    )


def tell(isolation, end):
    """All that such a reader sees before this offset; what is committed last may take a moment to be seen."""
    reader = consumer(isolation)
    reader.assign([TopicPartition(prefix + "out", 0, 0)])
    while True:
        record = reader.poll(WAIT_S)
        if record is None:
            raise SystemExit(f"{isolation}: offset {end} is not reached")
        if record.error() is None:
            print(isolation, record.offset(), record.value().decode())
        elif record.error().code() != KafkaError._PARTITION_EOF:
            raise KafkaException(record.error())
        elif record.offset() >= end:
            reader.close()
            return


admin = AdminClient({"bootstrap.servers": address})
for made in admin.create_topics([NewTopic(prefix + name, 1, 1) for name in ("in", "out")]).values():
    made.result(WAIT_S)
idempotent = producer(**{"enable.idempotence": True})
for n in range(6):
    idempotent.produce(prefix + "in", f"in {n}")
idempotent.flush(WAIT_S)

source = consumer("read_committed")
source.subscribe([prefix + "in"])
taken = []
while len(taken) < 6:
    record = source.poll(WAIT_S)
    if record is None:
        raise SystemExit(f"only {taken} came")
    if record.error() is None:
        taken.append(record.value().decode())

first = producer(**{"transactional.id": prefix + "id"})
first.init_transactions(WAIT_S)
first.begin_transaction()
first.produce(prefix + "out", "kept of " + taken[0])
first.send_offsets_to_transaction([TopicPartition(prefix + "in", 0, 4)], source.consumer_group_metadata(), WAIT_S)
first.commit_transaction(WAIT_S)
first.begin_transaction()
first.produce(prefix + "out", "void")
first.flush(WAIT_S)
first.send_offsets_to_transaction([TopicPartition(prefix + "in", 0, 6)], source.consumer_group_metadata(), WAIT_S)
first.abort_transaction(WAIT_S)
print("committed", source.committed([TopicPartition(prefix + "in", 0)], WAIT_S)[0].offset)

first.begin_transaction()
first.produce(prefix + "out", "of the zombie")
first.flush(WAIT_S)
second = producer(**{"transactional.id": prefix + "id"})
second.init_transactions(WAIT_S)
second.begin_transaction()
second.produce(prefix + "out", "kept of the second")
second.commit_transaction(WAIT_S)
try:
    first.commit_transaction(WAIT_S)
    print("the zombie has committed")
except KafkaException as thrown:
    if thrown.args[0].code() != KafkaError._FENCED:
        raise
    print("the zombie is fenced")

looking = consumer("read_uncommitted")
_, end = looking.get_watermark_offsets(TopicPartition(prefix + "out", 0), WAIT_S)
for isolation in ("read_committed", "read_uncommitted"):
    tell(isolation, end)
source.close()
