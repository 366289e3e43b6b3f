// SPDX-License-Identifier: Apache-2.0

package import Logging

/// A daemon's log: one record is one line, whatever stands in it.
///
/// `2026-11-22T06:31:07Z info sallyd.serve: request answered method=GET route="/v1/clusters/{cluster}/jobs" status=200`
///
/// Metadata is sorted by name. What it says comes from outside at times, a cause from slurmrestd or a name from a provider: nobody
/// can end a line and begin one of his own (CWE-117). A record is put together when it is written, and not before: most requests
/// set metadata that no line of theirs shows.
package struct LineLogHandler: LogHandler {
    package var logLevel = Logger.Level.info
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let stream: LineStream

    package init(label: String, stream: LineStream = .standardError) {
        self.label = label
        self.stream = stream
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let said = event.metadata { all.merge(said) { $1 } }
        if let error = event.error { all["error"] = "\(error)" }
        stream.write { line in
            line.append(" \(event.level.rawValue) \(label): ")
            line.append(plain: event.message.description)
            for (name, value) in all.sorted(by: { $0.key < $1.key }) {
                line.append(" \(name)=")
                line.append(value: value.description)
            }
        }
    }
}
