// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The file that lists clusters of machines that exist already.
struct ClusterFileOption: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("config")],
        help: "The file of clusters, in place of SALLYPORT_CLUSTERS and clusters.yaml.")
    var config: String?
}
