package bench.flink;

import org.apache.flink.api.java.tuple.Tuple4;

/** Deployment, timestamp, rating, time to action: as a tuple, the quickest that Flink's own serializers know. */
public final class EventTuple extends Tuple4<String, Long, Double, Double> {}
