/**
 * The renderer of notices, as far as it is there from the start: it finds out whose notice it
 * is, and loads the rest with the first one.
 */

import { CodeCell } from '@jupyterlab/cells';
import { OutputArea } from '@jupyterlab/outputarea';
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel, Widget } from '@lumino/widgets';
import { Guard } from '../guard';
import { ERROR_NAME, MIME_TYPE } from '../names';
import { readable } from '../text';
import { INotice, readNotice } from './notice';

/** Before HTML, which has rank 50. */
export const RANK = 40;

export function noticeRenderer(guard: Guard): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    createRenderer: () => new NoticeRenderer(guard)
  };
}

class NoticeRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(private readonly _guard: Guard) {
    super();
    this.addClass('jp-TosGuard-output');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._notice = readNotice(model.data[MIME_TYPE]);
    if (!this._notice) {
      this._replace(asText(model.data['text/plain']));
      return Promise.resolve();
    }
    return this._show();
  }

  protected onAfterAttach(): void {
    this._cell = find(this, isCell);
    // A notice that comes while its cell runs was sent by the kernel, one that is there
    // without was in the file.
    this._isLive ||= this._cell?.model.executionState === 'running';
    const area = find(this, isOutputArea);
    if (area && this._notice) {
      area.outputLengthChanged.connect(hideError);
      hideError(area);
    }
    void this._show();
  }

  /** Show the notice once it is known where, which may be later than what. */
  private async _show(): Promise<void> {
    const notice = this._notice;
    if (!notice || !this.isAttached || this._shown === notice) {
      return;
    }
    this._shown = notice;
    const { NoticeView } = await import('./view');
    if (!this.isDisposed) {
      this._replace(
        new NoticeView(notice, {
          guard: this._guard,
          cell: this._cell,
          isLive: this._isLive
        })
      );
      this.addClass('jp-mod-shown');
    }
  }

  private _replace(content: Widget): void {
    for (const widget of [...this.widgets]) {
      widget.dispose();
    }
    this.addWidget(content);
  }

  private _cell: CodeCell | null = null;
  private _isLive = false;
  private _notice: INotice | null = null;
  private _shown: INotice | null = null;
}

/**
 * Hide the error that comes with a notice and says the same in fewer words: it is for those who
 * do not see notices.
 */
function hideError(area: OutputArea): void {
  area.widgets.forEach((widget, index) => {
    const output = index < area.model.length && area.model.get(index);
    if (output && output.type === 'error') {
      const { ename } = output.toJSON();
      widget.toggleClass('jp-TosGuard-told', ename === ERROR_NAME);
    }
  });
}

/** The next widget of a kind that a widget is in. */
function find<T extends Widget>(
  widget: Widget,
  isWanted: (each: Widget) => each is T
): T | null {
  for (let each: Widget | null = widget; each; each = each.parent) {
    if (isWanted(each)) {
      return each;
    }
  }
  return null;
}

function isCell(widget: Widget): widget is CodeCell {
  return widget instanceof CodeCell;
}

function isOutputArea(widget: Widget): widget is OutputArea {
  return widget instanceof OutputArea;
}

/** What is shown of data that is no notice. */
function asText(value: unknown): Widget {
  const node = document.createElement('pre');
  const text = Array.isArray(value) ? value.join('') : value;
  node.textContent =
    typeof text === 'string'
      ? text
          .split('\n', 100)
          .map(line => readable(line))
          .join('\n')
      : '';
  return new Widget({ node });
}
