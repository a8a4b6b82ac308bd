/**
 * Names of IANA time zones in their canonical spelling.
 *
 * Intl resolves a link to its zone in any case (`gb` -> `Europe/London`), but by the names of CLDR, which never
 * change. For the zones that IANA has renamed since, CLDR lists the IANA name in the `iana` attribute of its
 * common/bcp47/timezone.xml; those are the pairs below.
 */
const renamedByIana: Readonly<Record<string, string>> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Catamarca': 'America/Argentina/Catamarca',
  'America/Coral_Harbour': 'America/Atikokan',
  'America/Cordoba': 'America/Argentina/Cordoba',
  'America/Godthab': 'America/Nuuk',
  'America/Indianapolis': 'America/Indiana/Indianapolis',
  'America/Jujuy': 'America/Argentina/Jujuy',
  'America/Louisville': 'America/Kentucky/Louisville',
  'America/Mendoza': 'America/Argentina/Mendoza',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
  'Pacific/Enderbury': 'Pacific/Kanton',
  'Pacific/Ponape': 'Pacific/Pohnpei',
  'Pacific/Truk': 'Pacific/Chuuk',
};

/** The canonical spelling of an IANA name (`europe/london` -> `Europe/London`), undefined for anything else. */
export const canonicalTimeZone = (name: string): string | undefined => {
  // Intl also takes offsets like +01:00, which have no daylight saving time.
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return renamedByIana[timeZone] ?? timeZone;
  } catch {
    return undefined;
  }
};
