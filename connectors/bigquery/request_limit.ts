/** What goes into one request: BigQuery takes 10 MB, of which something is not rows. */
export const MOST_REQUEST_BYTES = 9_000_000;
