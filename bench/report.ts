/** The figures as a table for people. */
import { isMet, ratiosOf, spreadOf, type Figure, type Unit } from './figures.ts'

const HEAD = ['', 'floeberg', 'beside it', 'ratio', 'goal', '']

export function tableOf(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cells)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join('\n')
}

function cells(figure: Figure): readonly string[] {
  const { name, unit, ours, beside, goal } = figure
  const ratios = ratiosOf(figure)
  const met = isMet(figure)
  return [
    name,
    spreadText(ours, unit),
    beside === undefined ? '' : `${beside.name}: ${spreadText(beside.values, unit)}`,
    ratios === null ? '' : spreadText(ratios, '×'),
    goal === null
      ? ''
      : 'ratio' in goal
        ? `≤ ${numberText(goal.ratio)}×`
        : `≤ ${numberText(goal.value)} ${unit}`,
    met === null ? '' : met ? 'met' : 'MISSED',
  ]
}

function spreadText(values: readonly number[], unit: Unit): string {
  const { median, least, most } = spreadOf(values)
  const around = values.length < 2 ? '' : ` (${numberText(least)} to ${numberText(most)})`
  return unit === '×' ? `${numberText(median)}×${around}` : `${numberText(median)} ${unit}${around}`
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return Number(value.toPrecision(3)).toString()
}
