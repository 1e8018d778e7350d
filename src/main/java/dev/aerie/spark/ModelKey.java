package dev.aerie.spark;

import dev.aerie.torch.Device;

/** Identifies a loaded model: a record of everything that loading it depends on. */
public interface ModelKey {

    /** Returns the device of the model's tensors. */
    Device device();
}
