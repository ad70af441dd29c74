'use strict';
(() => {
  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // Steps of a set's images: a slider shows one of them at a time. Without a script all stand below each other.
  const tip = make('div', 'tip');
  tip.hidden = true;
  tip.setAttribute('role', 'status');
  document.body.append(tip);
  for (const stepper of document.querySelectorAll('.stepper')) {
    const frames = [...stepper.querySelectorAll('.frame')];
    const labels = JSON.parse(stepper.querySelector('script').textContent);
    const range = make('input');
    Object.assign(range, { type: 'range', min: 0, max: frames.length - 1, step: 1, value: frames.length - 1 });
    range.setAttribute('aria-label', 'Step of the distillation');
    const shown = make('output');
    const show = () => {
      frames.forEach((frame, i) => { frame.hidden = i !== Number(range.value); });
      shown.textContent = frames[range.value].dataset.label;
      range.setAttribute('aria-valuetext', shown.textContent);
      tip.hidden = true;
    };
    const play = make('button', '', 'Play');
    let timer = 0;
    const stop = () => { clearInterval(timer); timer = 0; play.textContent = 'Play'; };
    play.type = 'button';
    play.addEventListener('click', () => {
      if (timer) { stop(); return; }
      play.textContent = 'Stop';
      range.value = 0;
      show();
      timer = setInterval(() => {
        range.value = Number(range.value) + 1;
        show();
        if (Number(range.value) === frames.length - 1) stop();
      }, 700);
    });
    range.addEventListener('input', () => { stop(); show(); });
    frames.forEach((frame) => { frame.querySelector('h4').hidden = true; });
    if (frames.length > 1) {
      const controls = make('div', 'controls');
      controls.append(play, range, shown);
      stepper.prepend(controls);
    }
    show();

    const explain = (event) => {
      const tiles = event.target.closest('.tiles');
      if (!tiles) { tip.hidden = true; return; }
      const box = tiles.getBoundingClientRect();
      const count = Number(getComputedStyle(tiles).getPropertyValue('--n'));
      const at = Math.min(count - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * count)));
      const label = labels.labels[Number(tiles.dataset.first) + at];
      if (!label) { tip.hidden = true; return; }
      tip.replaceChildren(make('strong', '', 'Soft label at the end'));
      for (const part of label) {
        const [index, percent] = part.split(' ');
        const bar = make('div', 'bar distilled');
        const track = make('span', 'track');
        const fill = make('span', 'fill');
        fill.style.width = `${percent}%`;
        track.append(fill);
        bar.append(make('span', 'name', labels.classes[index]), track, make('span', 'value', `${percent} %`));
        tip.append(bar);
      }
      tip.hidden = false;
      const left = Math.min(window.scrollX + event.clientX + 14, window.scrollX + document.documentElement.clientWidth - tip.offsetWidth - 8);
      tip.style.left = `${Math.max(8, left)}px`;
      tip.style.top = `${window.scrollY + box.bottom + 6}px`;
    };
    stepper.addEventListener('pointermove', explain);
    stepper.addEventListener('click', explain);
    stepper.addEventListener('pointerleave', () => { tip.hidden = true; });
  }

  // The values of all curves of a chart at the place of the pointer.
  for (const figure of document.querySelectorAll('.chart')) {
    const svg = figure.querySelector('svg');
    const output = figure.querySelector('output');
    const cursor = figure.querySelector('.cursor');
    if (!svg || !output || !cursor) continue;
    const series = [...svg.querySelectorAll('.series')].map((group) => ({
      name: group.dataset.name,
      points: group.dataset.points.split(' ').map((point) => point.split(',').map(Number)),
    }));
    const number = (name) => Number(svg.dataset[name]);
    const unit = figure.dataset.unit;
    svg.addEventListener('pointermove', (event) => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      const value = number('from') + (x - number('left')) / (number('right') - number('left')) * (number('to') - number('from'));
      const near = series.map((s) => s.points.reduce((a, b) => (Math.abs(b[0] - value) < Math.abs(a[0] - value) ? b : a)));
      const first = near.reduce((a, b) => (Math.abs(b[0] - value) < Math.abs(a[0] - value) ? b : a));
      const place = number('left') + (first[0] - number('from')) / (number('to') - number('from')) * (number('right') - number('left'));
      cursor.setAttribute('x1', place);
      cursor.setAttribute('x2', place);
      cursor.style.visibility = 'visible';
      output.textContent = `${Math.round(first[0])}: ` + near.map((p, i) =>
        (series.length > 1 ? `${series[i].name} ` : '') + `${Number(p[1].toPrecision(4))}${unit}`).join(', ');
    });
    svg.addEventListener('pointerleave', () => { cursor.style.visibility = 'hidden'; output.textContent = ''; });
  }

  // The classes of a figure of features: one at a time.
  for (const features of document.querySelectorAll('.features')) {
    const select = features.querySelector('select');
    const planes = [...features.querySelectorAll('.plane .chart')];
    const show = () => planes.forEach((plane, i) => { plane.hidden = i !== Number(select.value); });
    select.addEventListener('change', show);
    show();
  }
})();
