package planner

// match tells whether s fits an EC2 filter pattern: * stands for any text, ? for any one
// byte, and a backslash takes the next byte literally. It needs at most len(pattern)·len(s) steps.
func match(pattern, s string) bool {
	p, i := 0, 0
	star, resume := -1, 0 // the last * seen, and where in s to take it up again
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, resume = p, i
			p++
			continue
		}
		if n := matchByte(pattern[p:], s[i]); n > 0 {
			p += n
			i++
			continue
		}
		if star < 0 {
			return false
		}
		resume++
		p, i = star+1, resume
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchByte is how much of the pattern c uses up; 0 if it does not fit.
func matchByte(pattern string, c byte) int {
	switch {
	case pattern == "":
		return 0
	case pattern[0] == '\\' && len(pattern) > 1:
		if pattern[1] == c {
			return 2
		}
		return 0
	case pattern[0] == '?' || pattern[0] == c:
		return 1
	}
	return 0
}
