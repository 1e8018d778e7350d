package dev.aerie.jobs;

import dev.aerie.draft.DraftExport;
import dev.aerie.draft.DraftParameters;
import dev.aerie.files.Folder;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.train.TrainedDraft;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Writes the newest checkpoint of a training in the form that SGLang and vLLM load. */
@Command(name = "export",
        description = "Writes the newest checkpoint of train.output to export.output, as SGLang and vLLM load it.")
final class Export implements Callable<Integer> {

    @Mixin
    private RecipeOptions options;

    @Override
    public Integer call() throws IOException {
        Recipe recipe = options.recipe();
        String output = recipe.text("export.output");
        Configuration conf = HadoopConf.submitted();
        FirstContact.require(conf, List.of(recipe.text("train.output"), output));
        TrainedDraft draft = TrainedDraft.open(recipe.text("train.output"), conf);
        write(draft, Folder.at(output, conf));
        System.out.println("export: step " + draft.step() + " of " + recipe.text("train.output") + " is in " + output);
        return 0;
    }

    /**
     * The configuration goes first and comes last: without it nothing loads the folder. Should writing it fail, it may be there
     * or not, and the weights that it goes with stay.
     */
    static void write(TrainedDraft draft, Folder folder) throws IOException {
        folder.delete(DraftExport.CONFIG);
        try (Scope scope = Scope.open(); DraftParameters parameters = draft.parameters(Device.CPU)) {
            folder.write(DraftExport.WEIGHTS, out -> DraftExport.writeWeights(parameters, draft.vocabulary(), out));
        }
        folder.write(DraftExport.CONFIG, DraftExport.config(draft.config()));
    }
}
