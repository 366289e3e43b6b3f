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

/// A call of a function that reads `rows` on its standard input: a line each, fields separated by tabs. The fields of all
/// users together are no argument of any program, so there is no limit to their number.
///
/// - Precondition: no field has a tab or a newline. Those that have lose them, so that nothing becomes a row of its own.
func hereDocument(_ call: String, _ rows: [[String]]) -> String {
    let lines = rows.map { row in
        row.map { field in String(String.UnicodeScalarView(field.unicodeScalars.filter { $0.value >= 0x20 })) }
            .joined(separator: "\t") + "\n"
    }
    return "\(call) <<'\(endOfRows)'\n" + lines.joined() + endOfRows
}

/// No row is only this, because rows begin with a user name or a path.
private let endOfRows = "Sallyport/rows"
