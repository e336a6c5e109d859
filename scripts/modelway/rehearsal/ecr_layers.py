"""ECR's layers: what is there, where to fetch it, and uploads through the API.

moto keeps the sizes of layers uploaded through its API and nothing else; here the registry has them all.
"""

from __future__ import annotations

import hashlib

from modelway.rehearsal import images
from modelway.rehearsal.ecr_request import Asked, Output, named_repository
from modelway.rehearsal.images import EcrError
from modelway.rehearsal.registry_client import Client


class Layers:
    """One method an operation; what it returns is the operation's output."""

    NAMES = ("batch_check_layer_availability", "get_download_url_for_layer", "complete_layer_upload")

    def __init__(self, registry: Client) -> None:
        self.registry = registry

    def batch_check_layer_availability(self, asked: Asked) -> Output:
        """What the registry has, however it got there."""
        there = named_repository(asked, "BatchCheckLayerAvailability")
        layers, failures = [], []
        for digest in asked.texts("layerDigests"):
            size = self.registry.blob_size(images.path_of(there), digest)
            if size is None:
                reason = f"Layer digest '{digest}' could not be found"
                failures.append(
                    {"layerDigest": digest, "failureCode": "MissingLayerDigest", "failureReason": reason}
                )
            else:
                layers.append({"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size})
        return {"layers": layers, "failures": failures}

    def get_download_url_for_layer(self, asked: Asked) -> Output:
        """Straight to the registry, as AWS answers with an address in S3."""
        there = named_repository(asked, "GetDownloadUrlForLayer")
        path, digest = images.path_of(there), asked.text("layerDigest")
        if self.registry.blob_size(path, digest) is None:
            code = "LayersNotFoundException"
            raise EcrError(code, f"The layer '{digest}' does not exist in the repository '{there.name}'")
        return {"downloadUrl": self.registry.url(path, "blobs", digest), "layerDigest": digest}

    def complete_layer_upload(self, asked: Asked) -> Output:
        """Put together the parts moto collected; the registry gets the whole."""
        there = named_repository(asked, "CompleteLayerUpload")
        upload = there.uploads.pop(asked.text("uploadId"), None)
        if upload is None:
            code = "UploadNotFoundException"
            raise EcrError(code, f"The upload '{asked.text('uploadId')}' does not exist")
        body = bytes(upload.layer_parts)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if digest not in asked.texts("layerDigests"):
            code = "InvalidLayerException"
            raise EcrError(code, f"The layer's digest is {digest}, not the one given")
        if self.registry.blob_size(images.path_of(there), digest) is not None:
            code = "LayerAlreadyExistsException"
            raise EcrError(code, f"The layer '{digest}' already exists in the repository '{there.name}'")
        self.registry.put_blob(images.path_of(there), digest, body)
        return {
            "registryId": there.registry_id,
            "repositoryName": there.name,
            "uploadId": upload.upload_id,
            "layerDigest": digest,
        }
