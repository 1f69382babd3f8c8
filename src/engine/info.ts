/** What an engine says of itself (`docker info`), read from what a host printed. */
import * as z from 'zod';
import { jsonIn } from '../support/json.ts';

export interface EngineAnswer {
  /** `20.10.24` */
  version: string;
  dataRoot: string;
  /** `overlay2` */
  storageDriver: string;
  /** Whether images are kept by containerd instead of the engine's own store. */
  containerdStore: boolean;
  /** Whether the file system below tells file types, where the driver says so. */
  supportsDType?: boolean;
  /** `cgroupfs`, `systemd` */
  cgroupDriver: string;
  /** `1`, `2`; older engines do not say. */
  cgroupVersion?: string;
  liveRestore: boolean;
  containers: { running: number; paused: number; stopped: number; all: number };
  images: number;
  warnings: string[];
}

const count = z.number().int().nonnegative().catch(0);

const INFO = z.object({
  ServerVersion: z.string().min(1),
  DockerRootDir: z.string().catch(''),
  Driver: z.string().catch(''),
  DriverStatus: z.array(z.array(z.string())).nullish().catch(undefined),
  CgroupDriver: z.string().catch(''),
  CgroupVersion: z.string().optional().catch(undefined),
  LiveRestoreEnabled: z.boolean().catch(false),
  Containers: count,
  ContainersRunning: count,
  ContainersPaused: count,
  ContainersStopped: count,
  Images: count,
  Warnings: z.array(z.string()).nullish().catch(undefined),
});

/** The JSON of `docker info --format '{{json .}}'`; undefined when it is not the answer of a server. */
export function parseEngineInfo(text: string): EngineAnswer | undefined {
  const parsed = INFO.safeParse(jsonIn(text));
  if (!parsed.success) return undefined;
  const info = parsed.data;
  const status = new Map(
    (info.DriverStatus ?? []).map(([key = '', value = '']) => [key.toLowerCase(), value]),
  );
  const dType = status.get('supports d_type');
  return {
    version: info.ServerVersion,
    dataRoot: info.DockerRootDir,
    storageDriver: info.Driver,
    containerdStore: status.get('driver-type')?.startsWith('io.containerd.snapshotter') ?? false,
    ...(dType === undefined ? {} : { supportsDType: dType === 'true' }),
    cgroupDriver: info.CgroupDriver,
    ...(info.CgroupVersion ? { cgroupVersion: info.CgroupVersion } : {}),
    liveRestore: info.LiveRestoreEnabled,
    containers: {
      running: info.ContainersRunning,
      paused: info.ContainersPaused,
      stopped: info.ContainersStopped,
      all: info.Containers,
    },
    images: info.Images,
    warnings: info.Warnings ?? [],
  };
}
