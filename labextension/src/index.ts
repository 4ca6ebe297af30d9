import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-tos-guard:plugin',
  autoStart: true,
  activate: () => undefined
};

export default [plugin];
