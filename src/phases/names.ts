/** The phases by name: what events, errors and the audit log call them. */

/** Each phase with the title under which an operator sees it. */
export const PHASES = {
  connect: 'Connect',
  'acquire-lock': 'Take the lock of the host',
  'gather-facts': 'Ask the host about itself',
  'check-host': 'Check that the host can take it',
  'stage-engine': 'Bring the engine over',
  'lay-out-release': 'Lay out the release',
  'install-compose': 'Install compose',
  'create-docker-group': 'Create the group docker',
  'write-units': 'Write the units',
  'write-daemon-json': 'Write daemon.json',
  'trust-registry': 'Make the registry known',
  'enable-ip-forward': 'Enable IP forwarding',
  'copy-files': 'Copy files',
  'switch-release': 'Switch to the release',
  'start-engine': 'Start the engine',
  'wait-ready': 'Wait until the engine answers',
  'load-images': 'Load images',
  'record-state': 'Record what was done',
  'inspect-engine': 'Ask the engine about itself',
  'stop-containers': 'Stop containers',
  'stop-engine': 'Stop the engine',
  'remove-files': 'Take away what was installed, restore what was there before',
  'remove-group': 'Remove the group docker',
  'purge-data': 'Delete images, containers and volumes',
  'forget-host': 'Close the books on this host',
} as const;

export type PhaseName = keyof typeof PHASES;
