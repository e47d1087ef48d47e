/** For a container's health check: exit status 0 if the admin API on port 8080, or the URL that is given, says that it is alive. */
const url = process.argv[2] ?? 'http://127.0.0.1:8080/health';
const alive = await fetch(url).then(
  ({ ok }) => ok,
  () => false,
);
process.exitCode = alive ? 0 : 1;
