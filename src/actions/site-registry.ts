/** The registry of the site as hosts are to know it: from fleet.yaml, from flags, or from both. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Fleet } from '../config/fleet.ts';
import { parseRegistryAddress } from '../content/reference.ts';
import { AirferryError, isAirferryError, type Where } from '../errors.ts';
import type { SiteRegistry } from '../phases/wanted.ts';
import { unreadable } from '../support/file.ts';

/** What flags say of the registry; each stands in for what the fleet file says. */
export interface RegistryChoice {
  /** `hub.company.com`, `hub.company.com:5000` */
  address?: string;
  /** For a line in /etc/hosts. */
  ip?: string;
  /** Path of the CA's certificate. */
  caFile?: string;
  /** Plain HTTP, or a certificate that nobody can check. */
  insecure?: boolean;
}

/**
 * The registry of the site; undefined where neither says one. Throws USAGE, REFERENCE_INVALID for flags that do not
 * make sense, FLEET_INVALID and FILE_NOT_FOUND for the CA.
 */
export async function siteRegistry(
  fleet: Fleet | undefined,
  choice: RegistryChoice,
): Promise<SiteRegistry | undefined> {
  const written = fleet?.registry;
  const address = choice.address === undefined ? written?.address : parseRegistryAddress(choice.address);
  if (address === undefined) {
    if (Object.values(choice).every(value => value === undefined || value === false)) return undefined;
    throw new AirferryError('USAGE', 'the registry has no address', {
      suggestions: ['Name it: --registry hub.company.com'],
    });
  }
  // Another registry than the file's shares nothing with it.
  const same = written !== undefined && address === written.address ? written : undefined;
  const ip = choice.ip ?? same?.ip;
  if (ip !== undefined && isIP(ip) === 0) {
    throw new AirferryError('USAGE', `"${ip}" is not an IP address`, {
      suggestions: ['Write it like this: --registry-ip 172.11.1.107'],
    });
  }
  const ca = choice.caFile ?? same?.ca;
  const insecure = choice.insecure || (choice.caFile === undefined && (same?.insecure ?? false));
  if (ca !== undefined && insecure) {
    throw new AirferryError('USAGE', `the registry ${address} cannot be insecure and have a CA`, {
      suggestions: ['Leave out --insecure-registry: the CA makes its certificate good.'],
    });
  }
  const where: Where = choice.caFile === undefined && fleet && same ? { file: fleet.file, ...same.at } : {};
  return {
    address,
    insecure,
    ...(ip === undefined ? {} : { ip }),
    ...(ca === undefined ? {} : { ca: await readCa(ca, where) }),
  };
}

async function readCa(path: string, where: Where): Promise<string> {
  try {
    const pem = await readFile(path, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    const error = unreadable(path, cause);
    if (isAirferryError(error, 'FILE_NOT_FOUND')) throw error;
    throw new AirferryError('FLEET_INVALID', `the registry's CA ${path} is no certificate in PEM format`, {
      where: { file: path, ...where },
      suggestions: [`Convert it: openssl x509 -inform der -in ${path} -out ca.crt`],
      cause,
    });
  }
}
