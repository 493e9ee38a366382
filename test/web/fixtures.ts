import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { startWorld, type World } from './world.ts';

const SHOTS = join(import.meta.dirname, '../../test-results/pages-seen');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** What a browser says by itself about an answer that the page expects and shows. */
const EXPECTED =
  /Failed to load resource: the server responded with a status of 4\d\d|net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|NETWORK_CHANGED)/;

interface Tests {
  /** A page of somebody who is signed in. */
  readonly signedIn: Page;
  /** Looks at the page as it is: accessibility, sizes of targets, width; and keeps a picture of it. */
  readonly inspect: (name: string, page?: Page) => Promise<void>;
  readonly quiet: undefined;
}

export const test = base.extend<Tests, { world: World }>({
  world: [
    // biome-ignore lint/correctness/noEmptyPattern: the first argument's pattern is how Playwright knows what a fixture needs
    async ({}, use) => {
      const world = await startWorld();
      await use(world);
      await world.close();
    },
    { scope: 'worker', timeout: 120_000 },
  ],

  signedIn: async ({ page, world }, use) => {
    await page.goto(await world.signInLink());
    await page.waitForURL('**/guests');
    await use(page);
  },

  inspect: async ({ page: own, isMobile }, use, info) => {
    await use(async (name, page = own) => {
      mkdirSync(SHOTS, { recursive: true });
      // The plain way of running it is for frames of other origins, which the page may not have, and takes twice as long.
      const { violations } = await new AxeBuilder({ page }).withTags(RULES).setLegacyMode(true).analyze();
      const found = violations.map(({ id, help, nodes }) => ({
        id,
        help,
        nodes: nodes.map((node) => `${node.html} ${node.failureSummary}`),
      }));
      expect(found, `${name}: accessibility`).toEqual([]);
      expect(await sidewaysPixels(page), `${name}: wider than the screen`).toBe(0);
      if (isMobile) expect(await smallTargets(page), `${name}: targets smaller than 44 px`).toEqual([]);
      await page.screenshot({ path: join(SHOTS, `${info.project.name}-${name}.png`) });
    });
  },

  // No page may fail in silence.
  quiet: [
    async ({ page }, use) => {
      const said: string[] = [];
      page.on('pageerror', (error) => said.push(String(error)));
      page.on('console', (message) => {
        if ((message.type() === 'error' || message.type() === 'warning') && !EXPECTED.test(message.text())) said.push(message.text());
      });
      await use(undefined);
      expect(said, 'the browser console').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

export async function sidewaysPixels(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - (window.visualViewport?.width ?? window.innerWidth)));
}

/** What a finger must be able to hit. A box and its words count as one; a link that spreads over its row counts as the row. */
async function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const area = (element: Element): DOMRect => {
      const label = element.closest('label');
      if (element instanceof HTMLInputElement && label !== null) return label.getBoundingClientRect();
      const spread = getComputedStyle(element, '::before');
      const row = element.closest('li, article, .relative');
      if (spread.position === 'absolute' && spread.content !== 'none' && row !== null) return row.getBoundingClientRect();
      return element.getBoundingClientRect();
    };
    const root = document.querySelector('dialog[open]') ?? document;
    return [...root.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
      .filter(
        (element) =>
          element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
          !element.matches('.sr-only, [aria-hidden="true"], code, [role="log"], a[href="#main"]'),
      )
      .filter((element) => {
        const { width, height } = area(element);
        return width > 0 && (width < 43.5 || height < 43.5);
      })
      .map((element) => `${element.outerHTML.slice(0, 160)} ${JSON.stringify(area(element))}`);
  });
}
