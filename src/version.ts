/** Name and version as they stand in snapshot summaries, manifests and telemetry. */
export const ENGINE_NAME = 'floeberg'
export const ENGINE_VERSION = '0.1.0'
