package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.RUNTIME_DEVICE;
import static dev.aerie.jobs.RecipeKeys.RUNTIME_THREADS;
import static dev.aerie.jobs.RecipeKeys.TARGET_CACHE;
import static dev.aerie.jobs.RecipeKeys.TARGET_CACHE_BYTES;
import static dev.aerie.jobs.RecipeKeys.TARGET_CACHE_CHECK;
import static dev.aerie.jobs.RecipeKeys.TARGET_CAPTURE_LAYERS;
import static dev.aerie.jobs.RecipeKeys.TARGET_DTYPE;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;
import static dev.aerie.jobs.RecipeKeys.TARGET_RESIDENCY;
import static dev.aerie.jobs.RecipeKeys.TARGET_WEIGHT_MEMORY;

import dev.aerie.host.HostModel;
import dev.aerie.host.ModelCache;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.spark.TargetSettings;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.torch.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;

/** Reads the recipe's sections {@code target} and {@code runtime}. */
final class TargetSection {

    private TargetSection() {}

    /** Returns where each host keeps its copies of models. */
    static ModelCache cache(Recipe recipe) {
        return new ModelCache(
                TARGET_CACHE.of(recipe).map(folder -> Path.of(folder).toAbsolutePath().toString()).orElse(ModelCache.USUAL.folder()),
                TARGET_CACHE_BYTES.of(recipe).orElse(ModelCache.USUAL.maxBytes()),
                TARGET_CACHE_CHECK.of(recipe));
    }

    /** Returns the target as every host finds it. */
    static HostModel model(Recipe recipe, Configuration hadoop) throws IOException {
        return HostModel.find(TARGET_MODEL.of(recipe), cache(recipe), hadoop);
    }

    /** Returns the target's folder on this host, its configuration and the headers of its weights checked. */
    static Path folder(HostModel model, Configuration hadoop) throws IOException {
        Path folder = model.folder(hadoop);
        Target.check(folder);
        return folder;
    }

    static List<Integer> captureLayers(Recipe recipe, TargetConfig target) {
        Optional<List<Integer>> chosen = TARGET_CAPTURE_LAYERS.of(recipe);
        List<Integer> layers =
                chosen.orElseGet(() -> Arrays.stream(CaptureLayers.defaultsForTraining(target.layers())).boxed().toList());
        if (layers.isEmpty() || !CaptureLayers.areAscending(layers) || layers.get(layers.size() - 1) >= target.layers()) {
            throw recipe.contradiction(TARGET_CAPTURE_LAYERS, "layers from 0 to " + (target.layers() - 1) + ", from low to high");
        }
        return layers;
    }

    /** Returns the target as it is to be loaded. */
    static TargetSettings settings(Recipe recipe, HostModel model, SparkConf conf) {
        return new TargetSettings(model, dtype(recipe, conf), residency(recipe));
    }

    /** Returns the target's compute type: the recipe's, else bfloat16 if Spark gives tasks a GPU. */
    static DType dtype(Recipe recipe, SparkConf conf) {
        return TARGET_DTYPE.of(recipe).on(onGpu(recipe, conf));
    }

    /** Returns where the target's layers are kept; {@code auto} is decided by each executor, as states do not depend on it. */
    static Residency residency(Recipe recipe) {
        return new Residency(TARGET_RESIDENCY.of(recipe),
                TARGET_WEIGHT_MEMORY.of(recipe).orElse(0L));
    }

    static TaskResources resources(Recipe recipe) {
        return new TaskResources(RUNTIME_DEVICE.of(recipe), RUNTIME_THREADS.of(recipe).orElse(0));
    }

    /**
     * Returns whether tasks run on a GPU.
     *
     * @throws RecipeException if the recipe asks for one and Spark gives tasks none
     */
    static boolean onGpu(Recipe recipe, SparkConf conf) {
        boolean offered = conf.getDouble("spark.task.resource.gpu.amount", 0) > 0;
        DeviceChoice device = RUNTIME_DEVICE.of(recipe);
        if (device == DeviceChoice.CUDA && !offered) {
            throw recipe.contradiction(RUNTIME_DEVICE, "auto or cpu, as spark.task.resource.gpu.amount gives tasks no GPU");
        }
        return offered && device != DeviceChoice.CPU;
    }
}
