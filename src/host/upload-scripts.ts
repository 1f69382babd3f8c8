/** What a host runs while a blob arrives: sh scripts, each saying in one line at most what the operator's side needs. */
import { DEFINE_DIGEST } from './hashing.ts';
import { quote } from './quote.ts';

/** A blob on its way to a host. */
export interface Arrival {
  /** The folder in which it gets its name. */
  folder: string;
  /** Its sha256, which is that name. */
  hex: string;
  /** Bytes. */
  size: number;
  /** Whether it has to survive a power cut from the moment it has its name. */
  sync: boolean;
}

/** Exit status of the scripts that hash, for content that is not what it should be. It is gone then. */
export const WRONG_HASH = 65;

/** Bytes that are read and written at once: what fits into a processor's cache goes through it faster than 1 MiB by a fifth. */
const BLOCK = 65_536;
/** Blocks that are written before they are hashed, while the next ones arrive: 64 MiB. */
const SLICE = 1024;

/** The blob, its part, and which ranges of that part are there when it is not sent from front to back. */
function names({ folder, hex, size }: Arrival): string {
  return `set -e
d=${quote(folder)}; f=$d/${hex}; p=$f.part; r=$p.ranges; size=${size}; want=${hex}`;
}

/**
 * Prints `present` for a blob that is there and right. Otherwise `part N`, the bytes that are there of it, and `free N`,
 * the KiB that the file system has. A part is cut to what is whole of it.
 */
export function prepareScript(arrival: Arrival): string {
  return `${names(arrival)}
${DEFINE_DIGEST}
mkdir -p -- "$d"
if [ -f "$f" ]; then
  if [ "$(stat -c %s -- "$f")" = "$size" ]; then
    set -- $(digest < "$f")
    if [ "$1" = "$want" ]; then echo present; exit 0; fi
  fi
  rm -f -- "$f"
fi
part=0
if [ -f "$p" ]; then part=$(stat -c %s -- "$p"); fi
if [ "$part" -gt "$size" ]; then rm -f -- "$p"; part=0; fi
if [ -f "$r" ]; then
  upto=$(sort -n -- "$r" | { upto=0
    while read -r start end; do
      if [ "$start" -le $upto ] && [ "$end" -gt $upto ]; then upto=$end; fi
    done 2>/dev/null
    echo $upto; })
  if [ "$upto" -lt "$part" ]; then part=$upto; dd if=/dev/null of="$p" bs=1 count=0 seek="$part" status=none; fi
  rm -f -- "$r"
fi
echo "part $part"
df -P -k -- "$d" | { read -r line; read -r device blocks used free rest; echo "free $free"; }`;
}

/**
 * Takes the rest of the blob on stdin, from byte `offset` on, and hashes it all, what is written while more arrives. A
 * part that cannot be written is removed: a disk must not stay full for our sake. One that ends early stays.
 *
 * It is written by position, through one open file: the command of a connection that was lost may still be writing what
 * it got, and then both write the same bytes to the same places, and either may find that the other has finished.
 */
export function receiveScript(arrival: Arrival, offset: number): string {
  return `${names(arrival)}
${DEFINE_DIGEST}
exec 3<>"$p"
give() { dd if=/dev/fd/3 bs=${BLOCK} skip="$1" count="$2" iflag=skip_bytes,count_bytes status=none; }
take() { dd bs=${BLOCK} "$@" iflag=fullblock status=none >&3 || { rm -f -- "$p"; return 1; }; }
receive() {
  at=${offset}
  give 0 $at &
  take count=0 seek=$at oflag=seek_bytes conv=notrunc || return 1
  while [ $at -lt $size ]; do
    take count=${SLICE} conv=notrunc || return 1
    end=$((at + ${SLICE * BLOCK}))
    if [ $end -gt $size ]; then end=$size; fi
    have=$(stat -L -c %s /dev/fd/3)
    if [ "$have" -lt $end ]; then echo "only $have of $size bytes arrived" >&2; return 1; fi
    wait
    give $at $((end - at)) &
    at=$end
  done
  wait
${arrival.sync ? '  take count=0 conv=notrunc,fsync || return 1\n' : ''}}
said=$({ { receive && echo whole >&4; } | digest; } 4>&1)
set -- $said
# Nothing else is: with the connection gone, the message of a failure has killed whoever wrote it.
if [ "$1" != whole ]; then exit 1; fi
if [ "$2" != "$want" ]; then rm -f -- "$p"; exit ${WRONG_HASH}; fi
mv -f -- "$p" "$f" 2>/dev/null || [ -f "$f" ]`;
}

/**
 * Takes the bytes from `start` to `end` into a part that is sent in pieces, and notes what arrived of them; up to
 * `whole` it was there before. The note that there are pieces comes before the first byte of any.
 */
export function pieceScript(
  arrival: Arrival,
  { start, end, whole }: { start: number; end: number; whole: number },
): string {
  return `${names(arrival)}
echo 0 ${whole} >> "$r"
said=$(dd of="$p" bs=${BLOCK} iflag=fullblock seek=${start} oflag=seek_bytes conv=notrunc 2>&1) || { echo "$said" >&2; exit 1; }
bytes=\${said%% bytes*}; bytes=\${bytes##*[!0-9]}
echo ${start} $((${start} + bytes)) >> "$r"
if [ "$bytes" != ${end - start} ]; then echo "only $bytes of ${end - start} bytes arrived" >&2; exit 1; fi`;
}

/** Hashes a part of which all pieces are there, and gives it its name. */
export function sealScript(arrival: Arrival): string {
  return `${names(arrival)}
${DEFINE_DIGEST}
set -- $(digest < "$p")
if [ "$1" != "$want" ]; then rm -f -- "$p" "$r"; exit ${WRONG_HASH}; fi
${arrival.sync ? 'dd if=/dev/null of="$p" count=0 conv=notrunc,fsync status=none\n' : ''}mv -f -- "$p" "$f"
rm -f -- "$r"`;
}

/** Takes away what could not be written. */
export function dropScript(arrival: Arrival): string {
  return `${names(arrival)}
rm -f -- "$p" "$r"`;
}
