// SPDX-License-Identifier: Apache-2.0

package import StrictJSON

extension JSONValue {
    /// Whether it is of that kind, as lists of described properties name kinds
    /// (Tests/SlurmModelTests/Fixtures/slurmrestd/properties).
    package func isOf(kind: String) -> Bool {
        switch kind {
        case "text": string != nil
        case "integer": integer(Int64.self) != nil
        case "real": double != nil
        case "flag": bool != nil
        case "words": array?.allSatisfy { $0.string != nil } == true
        case "number", "realNumber":
            self["set"]?.bool != nil && self["infinite"]?.bool != nil
                && (kind == "number" ? self["number"]?.integer(Int64.self) != nil : self["number"]?.double != nil)
        case "exit":
            self["status"]?.isOf(kind: "words") == true && self["return_code"]?.isOf(kind: "number") == true
                && self["signal"]?["id"]?.isOf(kind: "number") == true && self["signal"]?["name"]?.string != nil
        case "object": object != nil
        case "list": array != nil
        default: false
        }
    }
}
