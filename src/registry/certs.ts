/** Private CAs and client certificates, from `--ca` and from where Docker looks: `/etc/docker/certs.d/HOST[:PORT]/`. */
import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AirferryError, systemCode } from '../errors.ts';

const CERTS_DIR = '/etc/docker/certs.d';
/** Files that are read of one folder; the engine's own folders hold three. */
const FILES_LIMIT = 50;

/** What TLS needs beyond the machine's own CAs; PEM text. */
export interface TlsFiles {
  cas: string[];
  clients: { cert: string; key: string }[];
}

export interface CertsOptions {
  /** A file with one CA or several, beside those of the folder. */
  caFile?: string;
  /** The folder that holds a folder for each registry; Docker's own when absent. */
  certsDir?: string;
}

/**
 * The CAs (`*.crt`) and client certificates (`NAME.cert` with `NAME.key`) for a registry, `host[:port]`.
 * Throws FILE_NOT_FOUND, FILE_UNREADABLE, and REGISTRY_TLS for a file that is no certificate or lacks its key.
 */
export async function readCerts(registry: string, options: CertsOptions = {}): Promise<TlsFiles> {
  const files: TlsFiles = { cas: [], clients: [] };
  if (options.caFile !== undefined) files.cas.push(await readCertificate(options.caFile));
  const folder = join(options.certsDir ?? CERTS_DIR, registry);
  const names = await namesIn(folder);
  for (const name of names.filter(name => name.endsWith('.crt'))) {
    files.cas.push(await readCertificate(join(folder, name)));
  }
  for (const name of names.filter(name => name.endsWith('.cert'))) {
    const keyName = name.replace(/\.cert$/, '.key');
    if (!names.includes(keyName)) {
      throw new AirferryError('REGISTRY_TLS', `the client certificate ${name} has no key beside it`, {
        where: { file: join(folder, name) },
        suggestions: [`Put its private key at ${join(folder, keyName)}; a CA is named .crt, not .cert.`],
      });
    }
    files.clients.push({
      cert: await readCertificate(join(folder, name)),
      key: await readText(join(folder, keyName)),
    });
  }
  return files;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort().slice(0, FILES_LIMIT);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw unreadable(folder, error);
  }
}

async function readCertificate(file: string): Promise<string> {
  const text = await readText(file);
  try {
    new X509Certificate(text);
  } catch (cause) {
    throw new AirferryError('REGISTRY_TLS', `${file} holds no certificate in PEM`, {
      where: { file },
      suggestions: [
        'A PEM file has the line -----BEGIN CERTIFICATE-----; openssl x509 -inform der converts one that has not.',
      ],
      cause,
    });
  }
  return text;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, cause: unknown): AirferryError {
  const missing = systemCode(cause) === 'ENOENT';
  return new AirferryError(
    missing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
    missing ? `${file} does not exist` : `${file} cannot be read (${systemCode(cause) ?? 'unknown reason'})`,
    { where: { file }, cause },
  );
}
