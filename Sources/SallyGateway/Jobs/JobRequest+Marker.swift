// SPDX-License-Identifier: Apache-2.0

import SlurmModel

extension JobRequest {
    /// The request with the marker at the end of its comment.
    func marked(_ marker: SubmissionMarker) -> JobRequest {
        var request = self
        request.comment = marker.appended(to: comment)
        return request
    }
}
