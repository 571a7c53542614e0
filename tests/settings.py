"""Settings for a few pixels: on so few, iterations cost nothing, but every size and every stage is another program."""

from gvd_jax.method.pyramid import Pyramid
from gvd_jax.method.stages.search import Search
from gvd_jax.method.stages.start_flow import StartFlow
from gvd_jax.trees import replace


def only(config, *names, samples=4):
    """Of the stages with these names the first of each, at full size, behind the one that gives a flow."""
    first = {stage.name: stage for stage in reversed(config.stages)}
    schedule = (config.first, *(first[name] for name in names))
    return replace(config, schedule=schedule, blur=config.blur.with_samples(samples))


def unscaled(config):
    """Without a pyramid of the start flow and of searches."""

    def change(stage):
        if isinstance(stage, StartFlow):
            return (replace(stage, pyramid=Pyramid()),)
        if isinstance(stage, Search):
            return (replace(stage, start=replace(stage.start, pyramid=Pyramid())),)
        return (stage,)

    return config.with_stages(change)


def small(config, *names, samples=3):
    """In focus, on one level: latent frames, flow and colour, once each, or the stages with these names."""
    return unscaled(only(config.without_defocus(), *(names or ("latent", "flow", "colour")), samples=samples))
