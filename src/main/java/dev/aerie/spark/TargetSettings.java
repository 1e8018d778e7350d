package dev.aerie.spark;

import dev.aerie.host.HostModel;
import dev.aerie.target.Residency;
import dev.aerie.torch.DType;
import java.io.Serializable;

/**
 * The target that the tasks of a job load, and how they load it.
 *
 * @param dtype the compute type
 * @param residency where layers are kept; results do not depend on it
 */
public record TargetSettings(HostModel model, DType dtype, Residency residency) implements Serializable {}
