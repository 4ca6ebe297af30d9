/**
 * jupyter_tos_guard in JupyterLab and Notebook: notices, status, panel, questions.
 *
 * Nothing here decides what is allowed, and nothing that is switched off here makes anything
 * allowed. Each part can be disabled by itself, and says what it lacks when the server's part,
 * or the hub's, is not there.
 */

import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import {
  INotebookCellExecutor,
  INotebookTracker,
  runCell
} from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Executor } from './executor';
import { Guard, IGuard } from './guard';
import { CommandIDs, NAMESPACE, PLUGIN_ID } from './names';
import { noticeRenderer, RANK } from './notice/renderer';
import { Opening } from './opening';
import { Options } from './options';
import { Sidebar } from './panel/sidebar';
import { Rest } from './rest';
import { StatusItem } from './statusitem';

/** What the parts share; asks the server once everything else is there. */
const guard: JupyterFrontEndPlugin<Guard> = {
  id: PLUGIN_ID,
  description: 'State and settings of jupyter_tos_guard.',
  autoStart: true,
  provides: IGuard,
  // Not the notebooks: they need the executor, which needs this.
  optional: [ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): Guard => {
    const options = new Options();
    const shared = new Guard(
      new Rest(app.serviceManager.serverSettings),
      options,
      translator ?? nullTranslator,
      () => {
        if (app.commands.hasCommand(CommandIDs.openPanel)) {
          void app.commands.execute(CommandIDs.openPanel);
        }
      }
    );
    registry?.load(PLUGIN_ID).then(
      settings => options.follow(settings),
      reason => console.warn('jupyter-tos-guard: settings', reason)
    );
    void app.restored.then(() => shared.status.start());
    // Of other events there is nothing to show.
    app.serviceManager.events.stream.connect((_, event) => {
      if (event.schema_id.includes(NAMESPACE)) {
        shared.status.refresh();
      }
    });
    return shared;
  }
};

const renderer: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-tos-guard:notice',
  description: 'Shows the notices of jupyter_tos_guard.',
  autoStart: true,
  requires: [IGuard, IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate: (
    _,
    shared: Guard,
    registry: IRenderMimeRegistry,
    tracker: INotebookTracker | null
  ): void => {
    shared.tracker = tracker;
    registry.addFactory(noticeRenderer(shared), RANK);
  }
};

/**
 * Takes the place of the notebook's own executor. Where a third one is installed that wants
 * the place too (of server-side execution), the last one that is registered has it, and
 * notices and “Run anyway” do without ours.
 */
const executor: JupyterFrontEndPlugin<INotebookCellExecutor> = {
  id: 'jupyter-tos-guard:executor',
  description:
    'Asks once when several cells are run and some may be disallowed.',
  autoStart: true,
  provides: INotebookCellExecutor,
  optional: [IGuard], // notebooks need an executor, whatever is the matter with the rest
  activate: (_, shared: Guard | null): INotebookCellExecutor => {
    if (!shared) {
      return { runCell };
    }
    shared.executes = true;
    return new Executor(shared, async (foreseen, asking) => {
      const { choose } = await import('./runall');
      return choose(foreseen, asking);
    });
  }
};

const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-tos-guard:panel',
  description: 'The side panel of jupyter_tos_guard.',
  autoStart: true,
  requires: [IGuard],
  optional: [ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    shared: Guard,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ): void => {
    const { trans } = shared;
    const sidebar = new Sidebar(shared);
    app.shell.add(sidebar, 'right', { rank: 900, type: 'Terms of use' });
    restorer?.add(sidebar, sidebar.id);
    app.commands.addCommand(CommandIDs.openPanel, {
      label: trans.__('Show Terms of Use and Own Record'),
      caption: trans.__('Where you stand, your strikes, the terms'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => app.shell.activateById(sidebar.id)
    });
    palette?.addItem({
      command: CommandIDs.openPanel,
      category: trans.__('Help')
    });
  }
};

const status: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-tos-guard:status',
  description:
    'Shows the state of jupyter_tos_guard at the edge of the window.',
  autoStart: true,
  requires: [IGuard],
  optional: [IStatusBar, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    shared: Guard,
    bar: IStatusBar | null,
    lab: ILabShell | null
  ): void => {
    const item = new StatusItem(shared);
    item.id = 'jupyter-tos-guard-status';
    if (bar) {
      bar.registerStatusItem(item.id, {
        item,
        align: 'right',
        rank: 900,
        isActive: () => item.isWanted,
        activeStateChanged: item.wantedChanged
      });
    } else if (!lab) {
      app.shell.add(item, 'menu', { rank: 1000 });
    }
  }
};

const opening: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-tos-guard:opening',
  description:
    'Says when a notebook is opened that cells of it may be disallowed.',
  autoStart: true,
  requires: [IGuard, INotebookTracker],
  activate: (_, shared: Guard, tracker: INotebookTracker): void => {
    new Opening(shared, tracker);
  }
};

export default [guard, renderer, executor, panel, status, opening];
