package dev.aerie.spark;

import dev.aerie.torch.Device;

/** What tells one loaded model from another: a record of all that loading it depends on. */
public interface ModelKey {

    /** Returns where the model's tensors live. */
    Device device();
}
