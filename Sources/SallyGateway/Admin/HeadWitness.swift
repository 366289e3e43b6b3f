// SPDX-License-Identifier: Apache-2.0

package import Logging
import SallyModel
import ServiceLifecycle

/// Has the signer countersign the head of the audit chain, again and again, so that a tail cut off later is found.
package struct HeadWitness: Service {
    private let book: any AuditBook
    private let signer: any TokenMinter
    private let interval: Duration
    private let log: Logger

    package init(book: some AuditBook, signer: some TokenMinter, interval: Duration, log: Logger) {
        self.book = book
        self.signer = signer
        self.interval = interval
        self.log = log
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var witnessed: AuditPosition?
            while !Task.isCancelled {
                witnessed = await witness(after: witnessed)
                guard (try? await Task.sleep(for: interval)) != nil else { break }  // stopping: the last one follows
            }
        }
        _ = await witness(after: nil)
    }

    /// The head that has been countersigned.
    func witness(after witnessed: AuditPosition?) async -> AuditPosition? {
        do {
            guard let head = try await book.head(), head != witnessed else { return witnessed }
            _ = try await signer.countersign(head)
            return head
        } catch {
            log.warning("the head of the audit chain was not countersigned", metadata: ["cause": "\(error)"])
            return witnessed
        }
    }
}
