import { ServerConnection } from '@jupyterlab/services';
import { Refusal, Rest } from '../rest';

function answering(status: number, body: unknown, asked: Request[] = []): Rest {
  const fetch = async (request: RequestInfo): Promise<Response> => {
    asked.push(request as Request);
    return new Response(
      typeof body === 'string' ? body : JSON.stringify(body),
      { status }
    );
  };
  return new Rest(
    ServerConnection.makeSettings({
      baseUrl: 'http://127.0.0.1/base/',
      fetch: fetch as typeof globalThis.fetch
    })
  );
}

describe('Rest', () => {
  it('asks below the base URL and reads what it is told', async () => {
    const asked: Request[] = [];
    const rest = answering(
      200,
      {
        strikes: [
          { id: 3, act: 'aa', clause: { number: '1', title: 'C' }, line: 2 },
          'no strike'
        ]
      },
      asked
    );
    const [first, second] = await rest.strikes();
    expect(asked[0].url.split('?')[0]).toBe(
      'http://127.0.0.1/base/jupyter-tos-guard/strikes'
    );
    expect(first).toMatchObject({ id: '3', act: 'aa', clause: '1 C', line: 2 });
    expect(second.id).toBe('');
  });

  it('makes a refusal of an error, in the words of the server', async () => {
    const refusal = await answering(503, { message: 'No central server.' })
      .strikes()
      .catch(error => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({
      status: 503,
      message: 'No central server.'
    });
  });

  it('makes a refusal of an error page', async () => {
    const refusal = await answering(502, '<html>Bad Gateway</html>')
      .terms()
      .catch(error => error);
    expect(refusal.status).toBe(502);
  });

  it.each([null, [], 'text', 5, { policy: 3, check: [], kernels: 'x' }])(
    'reads a status of %j as one that allows nothing',
    async body => {
      const status = await answering(200, body).status();
      expect(status.guarded).toBe(false);
      expect(status.check).toEqual({ cells: false, notebooks: false });
      expect(status.kernels).toEqual([]);
      expect(status.standing).toBeNull();
    }
  );

  it('links terms to web pages only', async () => {
    const terms = await answering(200, { url: 'javascript:x' }).terms();
    expect(terms.url).toBe('');
  });

  it('takes only notices from a check', async () => {
    const notice = { effect: 'warn', headline: 'h', sentence: 's' };
    const found = await answering(200, {
      results: [
        { id: 'a', notice },
        { id: 'b', notice: null },
        { id: 'c', notice: 'x' }
      ]
    }).check(
      ['a', 'b', 'c'].map(id => ({ id, source: '' })),
      'python',
      'x.ipynb',
      'run'
    );
    expect([...found.keys()]).toEqual(['a']);
  });

  it('sends ids of appeals as one part of the path', async () => {
    const asked: Request[] = [];
    await answering(200, {}, asked).withdraw('../x');
    expect(asked[0].url).toContain('/appeals/..%2Fx/withdraw');
  });
});
