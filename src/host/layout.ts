/** Where airferry keeps its things on a host. */

export interface HostLayout {
  /** Content-addressed blobs, under `sha256/`. */
  readonly blobs: string;
  readonly state: string;
  readonly audit: string;
  readonly lock: string;
}

export const LAYOUT: HostLayout = {
  blobs: '/var/lib/airferry/blobs',
  state: '/var/lib/airferry/state.json',
  audit: '/var/log/airferry/audit.jsonl',
  lock: '/run/airferry.lock',
};
