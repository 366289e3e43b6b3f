// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel

extension SallyError {
    /// The gateway's id of the request that was refused, by which an administrator finds it in log and audit.
    var request: String? {
        cause.flatMap { $0.hasPrefix("request ") && $0.utf8.count > 8 ? String($0.dropFirst(8)) : nil }
    }

    /// What people read: the message after `start`, then the hint and the request, a line each.
    func told(_ start: String = "sally: ") -> String {
        let refusal = slurm.map { " (Slurm error \($0.number): \(printable($0.text)))" } ?? ""
        let more = [hint, request.map { "request \($0)" }].compactMap { $0 }
        return "\(start)\(printable(message))\(refusal)" + more.map { "\n  \(printable($0))" }.joined()
    }
}
