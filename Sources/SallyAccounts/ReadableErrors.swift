// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

/// What went wrong on the way to a machine, as people are told of it; other errors as they are.
func readableTransportError(_ error: any Error, _ node: NodeName) -> any Error {
    switch error {
    case TransportError.unreachable(_, let reason):
        SallyError(.unavailable, "node \(node) is not reached: \(reason)")
    case TransportError.deadlineExceeded(_, let after):
        SallyError(.unavailable, "node \(node) did not finish within \(after)")
    case TransportError.outputLimit(_, let bytes):
        SallyError(.unavailable, "node \(node) wrote more than \(bytes) bytes")
    default: error
    }
}

/// The same as one line for a log, or for an administrator who may know how machines are reached.
func reason(_ error: any Error, _ node: NodeName) -> String {
    let error = readableTransportError(error, node)
    return (error as? SallyError)?.message ?? "\(error)"
}
