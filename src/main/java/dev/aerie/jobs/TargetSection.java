package dev.aerie.jobs;

import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Target;
import dev.aerie.target.TargetConfig;
import dev.aerie.torch.DType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.SparkConf;

/** What the recipe's sections {@code target} and {@code runtime} say. */
final class TargetSection {

    private TargetSection() {}

    /** The target's folder, its configuration and the headers of its weights checked. */
    static Path folder(Recipe recipe) {
        Path folder = Path.of(recipe.text("target.model")).toAbsolutePath().normalize();
        Target.check(folder);
        return folder;
    }

    static List<Integer> captureLayers(Recipe recipe, TargetConfig target) {
        int[] chosen = recipe.integers("target.capture_layers");
        int[] layers = chosen.length == 0 ? CaptureLayers.defaults(target.layers()) : chosen;
        CaptureLayers.check(layers, target.layers());
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
