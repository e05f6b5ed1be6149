"""Image classification with sliding-channel convolutions."""

from impls.image_classification._block_implementation import BlockImplementation


class DepthwiseSlidingChannel(BlockImplementation):
    """A depthwise 3 x 3 convolution, then a sliding-channel one."""

    workload = "image_classification"
    requires = ("torch", "safetensors")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 2101.00745"
    note = "Timed: logits of a batch of normalised images. Decoding, normalising and training are not in it."
    block = "dw_scc(cg=2,co=0.5)"
    variants = {
        "dw_scc_cg2_co50": {
            "block": "dw_scc(cg=2,co=0.5)",
            "summary": "A depthwise 3 x 3 convolution, then a sliding-channel one: 2 groups that overlap by 50 %.",
        },
        "dw_scc_cg4_co50": {
            "block": "dw_scc(cg=4,co=0.5)",
            "summary": "A depthwise 3 x 3 convolution, then a sliding-channel one: 4 groups that overlap by 50 %.",
        },
        "dw_scc_cg8_co50": {
            "block": "dw_scc(cg=8,co=0.5)",
            "summary": "A depthwise 3 x 3 convolution, then a sliding-channel one: 8 groups that overlap by 50 %.",
        },
        "dw_scc_cg2_co25": {
            "block": "dw_scc(cg=2,co=0.25)",
            "summary": "A depthwise 3 x 3 convolution, then a sliding-channel one: 2 groups that overlap by 25 %.",
        },
        "dw_scc_cg2_co33": {
            "block": "dw_scc(cg=2,co=0.33)",
            "summary": "A depthwise 3 x 3 convolution, then a sliding-channel one: 2 groups that overlap by 33 %.",
        },
        "dw_scc_cg2_co75": {
            "block": "dw_scc(cg=2,co=0.75)",
            "summary": "A depthwise 3 x 3 convolution, then a sliding-channel one: 2 groups that overlap by 75 %.",
        },
    }
