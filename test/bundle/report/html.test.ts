import * as assert from 'uvu/assert';
import { escapeHtml, html, visible } from '../../../src/bundle/report/html.ts';
import { suite } from '../../support/suite.ts';

const test = suite('bundle/report/html');

test('text never becomes markup, in elements and in attributes', () => {
  const hostile = '"><script>alert(1)</script>\' & <b>';
  const page = html`<p title="${hostile}">${hostile}</p>`.text;
  assert.not.match(page, '<script');
  assert.is((page.match(/[<>"]/g) ?? []).length, 6, 'but for the template, nothing is markup');
  assert.is(escapeHtml('a<b>&"\''), 'a&#60;b&#62;&#38;&#34;&#39;');
});

test('markup in markup stays, lists are joined, nothing leaves nothing', () => {
  const items = ['a', '<b>'].map(text => html`<li>${text}</li>`);
  assert.is(html`<ul>${items}${undefined}${false}</ul>`.text, '<ul><li>a</li><li>&#60;b&#62;</li></ul>');
  assert.is(html`${0} ${''}`.text, '0 ');
});

test('characters that hide or turn text around are shown by their number', () => {
  assert.is(visible('a\u202egnp.exe'), 'a\\u{202e}gnp.exe');
  assert.is(visible('x\u0000\n\u200by\u2028'), 'x\\u{0}\\u{a}\\u{200b}y\\u{2028}');
  assert.is(visible('half \ud800 a pair'), 'half \ufffd a pair');
  assert.is(visible('größer 中文'), 'größer 中文');
});

test.run();
