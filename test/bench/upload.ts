/**
 * One upload as `host install` does it, as a program that can be measured.
 *
 *   node test/bench/upload.ts FILE SHA256 ADDRESS PORT KEY KNOWN_HOSTS FOLDER
 */
import { connect } from '../../src/host/connection.ts';
import { Shell } from '../../src/host/shell.ts';
import { hostTarget } from '../../src/host/target.ts';
import { uploadBlob } from '../../src/host/transfer.ts';
import { ReadFile } from '../../src/support/file.ts';

const [path = '', sha256 = '', address = '', port = '', key = '', knownHosts = '', blobs = ''] =
  process.argv.slice(2);
const target = hostTarget({ address, port: Number(port), user: 'root', identities: [key] }, {});
await using connection = await connect(target, { knownHosts: { files: [knownHosts], acceptNew: true } });
const file = ReadFile.open(path);
const source = { digest: `sha256:${sha256}`, size: file.size, open: (offset: number) => file.stream(offset) };
await uploadBlob(new Shell(connection), source, { blobs, sync: false });
file.close();
