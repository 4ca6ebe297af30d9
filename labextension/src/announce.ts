/**
 * Tells people who do not see the screen what has just appeared on it.
 */

const regions = new Map<string, HTMLElement>();

/**
 * Have a screen reader say something.
 *
 * @param urgency - `assertive` interrupts: only for what was not run
 */
export function announce(text: string, urgency: 'polite' | 'assertive'): void {
  let region = regions.get(urgency);
  if (!region) {
    region = document.createElement('div');
    region.className = 'jp-TosGuard-unseen';
    region.setAttribute('aria-live', urgency);
    region.setAttribute('role', urgency === 'assertive' ? 'alert' : 'status');
    document.body.appendChild(region);
    regions.set(urgency, region);
  }
  // Emptied first, so that the same words are said again.
  region.textContent = '';
  const said = region;
  requestAnimationFrame(() => {
    said.textContent = text;
  });
}
