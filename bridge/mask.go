package bridge

import "strings"

// Mask hides an address as TikTok's listings do: the first and last character
// of the local part stay, each one between becomes a star (PORTAL:
// d**a@example.com). What happens to one or two characters is not documented;
// they stay here, and FitsMask takes either form.
func Mask(email string) string {
	email = FoldEmail(email)
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email
	}
	local := []rune(email[:at])
	if len(local) < 3 {
		return email
	}
	return string(local[0]) + strings.Repeat("*", len(local)-2) + string(local[len(local)-1]) + email[at:]
}

// FitsMask says whether a masked address may stand for the full one: the same
// domain, the same number of characters, and every character that shows agrees.
func FitsMask(mask, email string) bool {
	mask, email = FoldEmail(mask), FoldEmail(email)
	mat, eat := strings.LastIndexByte(mask, '@'), strings.LastIndexByte(email, '@')
	if mat < 1 || eat < 1 || mask[mat:] != email[eat:] {
		return false
	}
	m, e := []rune(mask[:mat]), []rune(email[:eat])
	if len(m) != len(e) {
		return false
	}
	stars := false
	for i := range m {
		if m[i] == '*' {
			stars = true
		} else if m[i] != e[i] {
			return false
		}
	}
	return stars || mask == email
}

// maskKey groups addresses that one mask could hide, so that a mask is only
// compared with those of its domain and length.
func maskKey(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	n := 0
	for range address[:at] {
		n++
	}
	return string(rune('0'+min(n, 1000))) + address[at:]
}

// plausible says whether an address can be written to at all.
func plausible(email string) bool {
	at := strings.LastIndexByte(email, '@')
	return at > 0 && at < len(email)-1 && !strings.ContainsAny(email, " \t\r\n,;<>*")
}
