/** The watermark follows the upstream task that is furthest ahead, not the one that is furthest behind. */
import {
  type InputTime,
  UpstreamInput as Original,
  type WatermarkRecord,
} from '../../../engine/watermarks.ts';

export * from '../../../engine/watermarks.ts';

/** Beside the class, because its constructor accepts records already. */
const latest_ms = new WeakMap<Original, number>();

export class UpstreamInput extends Original {
  override accept(record: WatermarkRecord): WatermarkRecord {
    const counted = super.accept(record);
    const before_ms = latest_ms.get(this) ?? Number.NEGATIVE_INFINITY;
    latest_ms.set(this, Math.max(before_ms, record.value_ms ?? before_ms));
    return counted;
  }

  override get time(): InputTime {
    const value_ms = latest_ms.get(this) ?? Number.NEGATIVE_INFINITY;
    return Number.isFinite(value_ms) ? { type: 'live', value_ms } : super.time;
  }
}
