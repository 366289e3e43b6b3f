// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
import SallyModel
import StrictJSON

/// The managed record is a file of lines on the controller, `/var/lib/sallyport/accounts.jsonl`, that belongs to root.
/// The last line of a name counts; the order of the keys is fixed, because grep(1) finds lines by it.
extension ManagedRecord {
    package var line: String {
        "{\"user\":\"\(user)\",\"uid\":\(uid),\"profile\":\"\(profile)\",\"origin\":\"\(origin.rawValue)\","
            + "\"state\":\"\(state.rawValue)\",\"revision\":\(revision)}"
    }

    /// - Throws: `SallyError(.conflict)` when the line is not one of ours.
    package init(line: String) throws {
        do {
            self = try StrictDecoder.decode(ManagedRecord.self, from: Array(line.utf8))
        } catch {
            throw SallyError(
                .conflict, "the managed record on the controller has a line that cannot be read: \(quoted(line))",
                hint: "repair /var/lib/sallyport/accounts.jsonl by hand", cause: "\(error)")
        }
    }
}
