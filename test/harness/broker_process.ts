/** A process that runs the embedded broker until it is killed: `node broker_process.ts PORT DATA_DIR [OPTIONS]` (JSON). */
import { startBroker } from '../../broker/broker.ts';

const [port, data_dir, options = '{}'] = process.argv.slice(2);
const broker = await startBroker({ port: Number(port), data_dir: data_dir!, ...JSON.parse(options) });
console.log(broker.port);
