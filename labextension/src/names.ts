/** Names that the kernel, the server and this extension agree on. */

/** MIME type of a notice; its schema is in docs/kernel.md. */
export const MIME_TYPE = 'application/vnd.jupyter-tos-guard.notice.v1+json';

/** Name of the error by which a request is refused. */
export const ERROR_NAME = 'DisallowedCodeError';

/** Key of the request's metadata by which a warned cell is run anyway. */
export const METADATA_KEY = 'tos_guard';

/** Where the server's part answers, below the base URL. */
export const NAMESPACE = 'jupyter-tos-guard';

/** Domain of the translations. */
export const DOMAIN = 'jupyter_tos_guard';

export const PLUGIN_ID = 'jupyter-tos-guard:plugin';

export namespace CommandIDs {
  export const openPanel = 'tos-guard:open-panel';
}
