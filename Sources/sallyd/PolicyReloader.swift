// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyConfig
import SallyModel
import SallyPolicy
import ServiceLifecycle
import UnixSignals

/// Reads the policy file again on SIGHUP. A file with problems changes nothing; every problem is logged with its line.
struct PolicyReloader: Service {
    let source: PolicySource
    let path: String
    let logger: Logger

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        for await _ in signals.cancelOnGracefulShutdown() {
            reload()
        }
    }

    private func reload() {
        do {
            try source.reload { try PolicyFile.load(path) }
            logger.info("policy reloaded", metadata: ["revision": "\(source.current.revision)"])
        } catch let error as ConfigError {
            for problem in error.problems {
                logger.error("policy not reloaded, the old one stays", metadata: ["problem": "\(problem)"])
            }
        } catch {
            logger.error("policy not reloaded, the old one stays", metadata: ["problem": "\(error)"])
        }
    }
}
