package dev.aerie.jobs;

import dev.aerie.draft.DraftConfig;
import dev.aerie.host.HostModels;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.torch.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;

/** What the recipe's sections {@code target} and {@code runtime} say. */
final class TargetSection {

    private TargetSection() {}

    /** Hadoop's configuration before there is a Spark session, with what the recipe says of the host's copies of models. */
    static Configuration hadoop(Recipe recipe) {
        Configuration conf = HadoopConf.submitted();
        recipe.optionalText("target.cache")
                .ifPresent(folder -> conf.set(HostModels.CACHE, Path.of(folder).toAbsolutePath().toString()));
        if (recipe.has("target.cache_bytes")) {
            conf.setLong(HostModels.CACHE_BYTES, recipe.whole("target.cache_bytes"));
        }
        conf.set(HostModels.CACHE_CHECK, recipe.text("target.cache_check"));
        return conf;
    }

    /** The target as every host finds it: an absolute path or a URI. */
    static String model(Recipe recipe) {
        return HostModels.qualified(recipe.text("target.model"));
    }

    /** The target's folder on this host, its configuration and the headers of its weights checked. */
    static Path folder(Recipe recipe, Configuration hadoop) throws IOException {
        Path folder = HostModels.folder(model(recipe), hadoop);
        Target.check(folder);
        return folder;
    }

    static List<Integer> captureLayers(Recipe recipe, TargetConfig target) {
        int[] chosen = recipe.integers("target.capture_layers");
        int[] layers = chosen.length == 0 ? CaptureLayers.defaultsForTraining(target.layers()) : chosen;
        boolean three = layers.length == DraftConfig.CAPTURED;
        if (!three || layers[0] < 0 || layers[0] >= layers[1] || layers[1] >= layers[2] || layers[2] >= target.layers()) {
            throw recipe.contradiction("target.capture_layers",
                    "three layers from 0 to " + (target.layers() - 1) + ", from low to high");
        }
        return Arrays.stream(layers).boxed().toList();
    }

    /** What the target computes in: as the recipe says, else bfloat16 where Spark gives tasks a GPU. */
    static DType dtype(Recipe recipe, SparkConf conf) {
        String chosen = recipe.text("target.dtype");
        if (!chosen.equals("auto")) {
            return DType.ofFloating(chosen);
        }
        return onGpu(recipe, conf) ? DType.BF16 : DType.F32;
    }

    /** Where the target's layers are kept; {@code auto} is decided by each executor, as states do not depend on it. */
    static Residency residency(Recipe recipe) {
        return new Residency(recipe.text("target.residency"),
                recipe.has("target.weight_memory") ? recipe.whole("target.weight_memory") : 0);
    }

    /**
     * Whether tasks run on a GPU.
     *
     * @throws RecipeException if the recipe asks for one and Spark gives tasks none
     */
    static boolean onGpu(Recipe recipe, SparkConf conf) {
        boolean offered = conf.getDouble("spark.task.resource.gpu.amount", 0) > 0;
        String device = recipe.text("runtime.device");
        if (device.equals("cuda") && !offered) {
            throw recipe.contradiction("runtime.device", "auto or cpu, as spark.task.resource.gpu.amount gives tasks no GPU");
        }
        return offered && !device.equals("cpu");
    }

    /** Threads of one operator; 0 for as many as Spark gives a task cores. */
    static int threads(Recipe recipe) {
        return recipe.optionalInteger("runtime.threads").orElse(0);
    }
}
