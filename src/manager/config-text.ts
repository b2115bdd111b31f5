/** Values of settings that come as text. */
import { SETTING_FORMS } from './config-schema.ts'

/** The value of a setting from its text; text of the wrong form is left for validation to refuse. */
export function textValue(path: string, text: string): unknown {
  switch (SETTING_FORMS[path]) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text
    case 'list':
      return text.split(',').map((item) => item.trim())
    default:
      return text
  }
}
