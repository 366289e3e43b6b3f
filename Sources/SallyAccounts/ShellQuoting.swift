// SPDX-License-Identifier: Apache-2.0

/// `text` as one word of bash, whatever is in it: in single quotes, a single quote as `'\''`. NUL, which no shell word
/// can hold, is left away.
package func shellQuoted(_ text: String) -> String {
    var result = "'"
    for scalar in text.unicodeScalars where scalar.value != 0 {
        if scalar == "'" { result += "'\\''" } else { result.unicodeScalars.append(scalar) }
    }
    return result + "'"
}

/// A call of a function of one of our scripts.
func shellCall(_ function: String, _ arguments: [String]) -> String {
    ([function] + arguments.map(shellQuoted)).joined(separator: " ")
}
