/** What retraining asks for: one job, whose id derives from the window that called for it (never its revision). */
import { type Static, Type } from 'typebox';

export const TrainingJob = Type.Object(
  {
    job_id: Type.String(),
    alert_id: Type.String(),
    topology: Type.String(),
    deployment_id: Type.String(),
    champion: Type.String({ description: 'the model_version that the alert is about' }),
    window_start: Type.String({ format: 'date-time' }),
    window_end: Type.String({ format: 'date-time' }),
    patterns: Type.Array(Type.String(), { description: 'pattern keys to focus on' }),
    seed: Type.Integer(),
  },
  { $id: 'training_job', title: 'training_job' },
);
export type TrainingJob = Static<typeof TrainingJob>;
