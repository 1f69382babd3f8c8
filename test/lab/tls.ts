/** A private CA and certificates of it, as an intranet has them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from './exec.ts';

export interface Certificate {
  certFile: string;
  keyFile: string;
  /** The CA's certificate, to be trusted by clients. */
  caFile: string;
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Make a CA in `dir` and a server certificate signed by it for the given subject names (`DNS:…`, `IP:…`). */
export async function makeCertificate(dir: string, names: string[]): Promise<Certificate> {
  await mkdir(dir, { recursive: true });
  const file = (name: string): string => join(dir, name);
  await must([
    ...['openssl', 'req', '-x509', ...EC_KEY, '-days', '30', '-subj', '/CN=Plant CA'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', file('ca.key'), '-out', file('ca.crt')],
  ]);
  await must([
    ...['openssl', 'req', ...EC_KEY, '-subj', '/CN=registry'],
    ...['-keyout', file('server.key'), '-out', file('server.csr')],
  ]);
  await writeFile(
    file('server.ext'),
    `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`,
  );
  await must([
    ...['openssl', 'x509', '-req', '-in', file('server.csr'), '-days', '30', '-extfile', file('server.ext')],
    ...['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-out', file('server.crt')],
  ]);
  return { certFile: file('server.crt'), keyFile: file('server.key'), caFile: file('ca.crt') };
}
